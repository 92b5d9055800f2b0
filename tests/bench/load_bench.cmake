# How long a model takes to load, and what it holds; not a test.
# ninja kvlink_load_bench && bin/kvlink_load_bench MODEL
add_executable(kvlink_load_bench EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/load_bench.cpp)
target_link_libraries(kvlink_load_bench PRIVATE kvlink_inference)
# ninja kvlink_tokenizer_bench && bin/kvlink_tokenizer_bench VOCABULARY FOLDER
add_executable(kvlink_tokenizer_bench EXCLUDE_FROM_ALL
               ${CMAKE_CURRENT_LIST_DIR}/tokenizer_bench.cpp)
target_link_libraries(kvlink_tokenizer_bench PRIVATE kvlink_inference)
