# Tests of what the packages are made from: desktop file, metainfo, completion, translations.
# A tool that is not installed skips its test with a reason (exit 77).
function(kvlink_validate name tool)
  add_test(NAME ${name}
           COMMAND sh -c "command -v ${tool} >/dev/null || { echo 'SKIP: ${tool} is not installed'; exit 77; }; \"$@\""
                   sh ${tool} ${ARGN})
  set_tests_properties(${name} PROPERTIES LABELS ui SKIP_RETURN_CODE 77)
endfunction()
kvlink_validate(desktop_file_test desktop-file-validate
                ${CMAKE_SOURCE_DIR}/resources/desktop/kvlink-desktop.desktop)
kvlink_validate(metainfo_test appstreamcli validate --no-net
                ${CMAKE_SOURCE_DIR}/resources/metainfo/kvlink-desktop.metainfo.xml)
kvlink_validate(bash_completion_test bash -n ${CMAKE_SOURCE_DIR}/resources/packaging/kvlink.bash)
add_test(NAME translations_test COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/translations_test.py
                                        ${CMAKE_SOURCE_DIR}/resources/translations
                                        ${CMAKE_SOURCE_DIR})
set_tests_properties(translations_test PROPERTIES LABELS ui)
