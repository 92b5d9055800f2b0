# Acceptance checks beside the programs in this folder: no network.
# Without the default models it skips, and says so.
set_property(TEST ui_acceptance_answers_test PROPERTY LABELS "ui;model")

add_test(NAME no_network_test COMMAND ${CMAKE_SOURCE_DIR}/tests/no_network.sh ${CMAKE_BINARY_DIR}
                                      -R "^(ui_ask_desk_test|ui_window_test|app_test)$")
add_test(NAME offline_session_test
         COMMAND ${CMAKE_SOURCE_DIR}/tests/offline_session.sh ${CMAKE_BINARY_DIR})
set_tests_properties(no_network_test offline_session_test
                     PROPERTIES LABELS ui SKIP_RETURN_CODE 77 TIMEOUT 300)
