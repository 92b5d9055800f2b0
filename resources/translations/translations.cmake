# Compiles the window's languages into kvlink-desktop, and `ninja translations` collects new texts.
set(ts_files ${CMAKE_SOURCE_DIR}/resources/translations/kvlink_de.ts
             ${CMAKE_SOURCE_DIR}/resources/translations/kvlink_en.ts)
find_package(Qt6 6.4 QUIET COMPONENTS LinguistTools)
if(TARGET Qt6::lrelease)
  set_source_files_properties(${ts_files} PROPERTIES OUTPUT_LOCATION ${CMAKE_BINARY_DIR}/i18n)
  qt_add_lrelease(kvlink-desktop TS_FILES ${ts_files} QM_FILES_OUTPUT_VARIABLE qm_files
                  OPTIONS -silent)
  qt_add_resources(kvlink-desktop translations PREFIX /i18n BASE ${CMAKE_BINARY_DIR}/i18n
                   FILES ${qm_files})
  set(lupdate Qt6::lupdate -I ${CMAKE_SOURCE_DIR} -locations none -no-obsolete
              -source-language en ${CMAKE_SOURCE_DIR}/ui ${CMAKE_SOURCE_DIR}/app/desk)
  add_custom_target(translations
    COMMAND ${lupdate} -target-language de -ts ${CMAKE_SOURCE_DIR}/resources/translations/kvlink_de.ts
    COMMAND ${lupdate} -pluralonly -target-language en
            -ts ${CMAKE_SOURCE_DIR}/resources/translations/kvlink_en.ts
    VERBATIM)
else()
  message(STATUS "Qt 6 LinguistTools were not found: the window speaks English only")
endif()
