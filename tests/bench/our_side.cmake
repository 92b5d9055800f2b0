# Our side of against_llama.sh; not a test. ninja kvlink_our_side
add_executable(kvlink_our_side EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/llama/our_side.cpp)
target_link_libraries(kvlink_our_side PRIVATE kvlink_inference kvlink_cache)
# Our side of embedder_against.py. ninja kvlink_embedder_side
add_executable(kvlink_embedder_side EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/embedder_side.cpp)
target_link_libraries(kvlink_embedder_side PRIVATE kvlink_inference)
# What accuracy_against_llama.sh runs. ninja kvlink_accuracy
add_executable(kvlink_accuracy EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/accuracy.cpp)
target_link_libraries(kvlink_accuracy PRIVATE kvlink_inference)
# KV in memory by type, in turn. ninja kvlink_kv_type_bench
add_executable(kvlink_kv_type_bench EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/kv_type_bench.cpp)
target_link_libraries(kvlink_kv_type_bench PRIVATE kvlink_inference)
