# Faults under the desk and its window; included by tests/ui, where both are known.
kvlink_ui_test(NAME desk_fault_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/desk_fault_test.cpp)
set_property(TEST desk_fault_test PROPERTY LABELS "fault;ui")
