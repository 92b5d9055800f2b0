# How long a model takes to load, and what it holds; not a test.
# ninja kvlink_load_bench && bin/kvlink_load_bench MODEL
add_executable(kvlink_load_bench EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/load_bench.cpp)
target_link_libraries(kvlink_load_bench PRIVATE kvlink_inference)
