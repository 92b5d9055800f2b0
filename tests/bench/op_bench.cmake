# Figures of single ops; not a test. ninja kvlink_op_bench && bin/kvlink_op_bench
add_executable(kvlink_op_bench EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/op_bench.cpp)
target_link_libraries(kvlink_op_bench PRIVATE kvlink_kernels GTest::gtest)
