# What is installed, and where; three components: the programs, the reader of pictures, and the two
# default models.
include(GNUInstallDirs)

set(packaging_folder ${CMAKE_SOURCE_DIR}/resources/packaging)
set(share_folder ${CMAKE_INSTALL_DATADIR}/kvlink)

foreach(program kvlink kvlink-desktop kvlink-extract)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT programs)
  endif()
endforeach()
# A package of its own, so that nothing else needs Tesseract.
if(TARGET kvlink-ocr)
  install(TARGETS kvlink-ocr RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT ocr)
  install(FILES ${packaging_folder}/copyright DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/kvlink-ocr
          COMPONENT ocr)
  set(KVLINK_HAS_OCR ON)
endif()
if(TARGET kvlink_cuda)
  install(TARGETS kvlink_cuda LIBRARY DESTINATION lib/kvlink COMPONENT programs)
endif()
install(DIRECTORY ${CMAKE_SOURCE_DIR}/resources/guide DESTINATION ${share_folder}
        COMPONENT programs FILES_MATCHING PATTERN "*.md")
install(DIRECTORY ${CMAKE_SOURCE_DIR}/resources/adapters DESTINATION ${share_folder}
        COMPONENT programs PATTERN "README.md" EXCLUDE PATTERN ".*" EXCLUDE)
install(FILES ${CMAKE_SOURCE_DIR}/resources/desktop/kvlink-desktop.desktop
        DESTINATION ${CMAKE_INSTALL_DATADIR}/applications COMPONENT programs)
install(FILES ${CMAKE_SOURCE_DIR}/resources/metainfo/kvlink-desktop.metainfo.xml
        DESTINATION ${CMAKE_INSTALL_DATADIR}/metainfo RENAME io.github.kvlink.desktop.metainfo.xml
        COMPONENT programs)
install(FILES ${CMAKE_SOURCE_DIR}/resources/icons/kvlink.svg
        DESTINATION ${CMAKE_INSTALL_DATADIR}/icons/hicolor/scalable/apps RENAME kvlink-desktop.svg
        COMPONENT programs)
install(FILES ${CMAKE_SOURCE_DIR}/resources/icons/kvlink-symbolic.svg
        DESTINATION ${CMAKE_INSTALL_DATADIR}/icons/hicolor/symbolic/apps
        RENAME kvlink-desktop-symbolic.svg COMPONENT programs)
install(FILES ${packaging_folder}/kvlink.bash
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME kvlink
        COMPONENT programs)
install(FILES ${packaging_folder}/copyright DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/kvlink
        COMPONENT programs)

# Manual pages and the change log are installed compressed, without a time in the gzip header, so
# that two builds give the same bytes.
find_program(GZIP_PROGRAM gzip)
if(GZIP_PROGRAM)
  function(install_compressed source name folder component)
    set(compressed ${CMAKE_BINARY_DIR}/packaging/${source}.gz)
    file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/packaging)
    execute_process(COMMAND ${GZIP_PROGRAM} -9nc ${packaging_folder}/${source}
                    OUTPUT_FILE ${compressed} COMMAND_ERROR_IS_FATAL ANY)
    install(FILES ${compressed} DESTINATION ${folder} RENAME ${name}.gz COMPONENT ${component})
  endfunction()
  install_compressed(kvlink.1 kvlink.1 ${CMAKE_INSTALL_MANDIR}/man1 programs)
  install_compressed(kvlink-desktop.1 kvlink-desktop.1 ${CMAKE_INSTALL_MANDIR}/man1 programs)
  install_compressed(changelog changelog ${CMAKE_INSTALL_DATADIR}/doc/kvlink programs)
  if(TARGET kvlink-ocr)
    install_compressed(changelog changelog ${CMAKE_INSTALL_DATADIR}/doc/kvlink-ocr ocr)
  endif()
endif()

# The models that ./run fetched, when they are there.
set(KVLINK_MODELS_FOLDER "$ENV{HOME}/.local/share/kvlink/models" CACHE PATH
    "Folder of the default models, for the package kvlink-models")
set(default_model ${KVLINK_MODELS_FOLDER}/SmolLM2-135M-Instruct.Q4_1.gguf)
set(default_embedder ${KVLINK_MODELS_FOLDER}/all-MiniLM-L6-v2)
if(EXISTS ${default_model} AND EXISTS ${default_embedder}/model.safetensors)
  install(FILES ${default_model} DESTINATION ${share_folder}/models COMPONENT models)
  install(FILES ${default_embedder}/model.safetensors ${default_embedder}/tokenizer.json
                ${default_embedder}/vocab.txt
          DESTINATION ${share_folder}/models/all-MiniLM-L6-v2 COMPONENT models)
  install(FILES ${packaging_folder}/copyright-models
          DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/kvlink-models RENAME copyright COMPONENT models)
  # The licences and the model card as they came with the weights.
  install(DIRECTORY ${KVLINK_MODELS_FOLDER}/licenses
          DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/kvlink-models OPTIONAL COMPONENT models)
  if(GZIP_PROGRAM)
    install_compressed(changelog-models changelog ${CMAKE_INSTALL_DATADIR}/doc/kvlink-models models)
  endif()
  set(KVLINK_HAS_MODELS ON)
endif()

include(${packaging_folder}/debian.cmake)
