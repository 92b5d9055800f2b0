# Faults under the desk and its window; included by tests/ui, where both are known.
kvlink_ui_test(NAME desk_fault_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/desk_fault_test.cpp)
set_property(TEST desk_fault_test PROPERTY LABELS "fault;ui")

# The desk alone, killed at random moments.
add_executable(desk_child ${CMAKE_CURRENT_LIST_DIR}/desk_child.cpp)
target_link_libraries(desk_child PRIVATE kvlink_desk)
kvlink_test(NAME desk_kill_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/desk_kill_test.cpp
                    ${CMAKE_SOURCE_DIR}/tests/app/program.cpp
            LIBS kvlink_desk kvlink_tiny_library Qt6::Test LABELS fault)
target_compile_definitions(desk_kill_test PRIVATE KVLINK_DESK_CHILD="$<TARGET_FILE:desk_child>")
add_dependencies(desk_kill_test desk_child kvlink-extract)
