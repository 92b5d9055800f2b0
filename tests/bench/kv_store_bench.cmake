# Figures of the KV store; not a test. ninja kvlink_kv_store_bench && bin/kvlink_kv_store_bench FOLDER
add_executable(kvlink_kv_store_bench EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/kv_store_bench.cpp)
target_link_libraries(kvlink_kv_store_bench PRIVATE kvlink_test_kv)
