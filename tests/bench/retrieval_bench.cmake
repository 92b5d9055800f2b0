# Figures of retrieval; not tests. ninja kvlink_retrieval_bench kvlink_retrieval_quality kvlink_library_scale

add_executable(kvlink_retrieval_bench EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/retrieval_bench.cpp)
target_link_libraries(kvlink_retrieval_bench PRIVATE kvlink_retrieval)

add_executable(kvlink_retrieval_quality EXCLUDE_FROM_ALL
               ${CMAKE_CURRENT_LIST_DIR}/retrieval_quality.cpp)
target_link_libraries(kvlink_retrieval_quality PRIVATE kvlink_eval)

find_package(SQLiteCpp REQUIRED)
add_executable(kvlink_library_scale EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/library_scale.cpp)
target_link_libraries(kvlink_library_scale PRIVATE kvlink_retrieval kvlink_inference SQLiteCpp)

add_executable(kvlink_vector_rounding EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/vector_rounding.cpp)
target_link_libraries(kvlink_vector_rounding PRIVATE kvlink_retrieval)
