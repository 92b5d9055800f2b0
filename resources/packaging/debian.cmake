# Two Debian packages: `cpack -G DEB` in the build folder, configured with the prefix /usr.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME kvlink)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "The KVLink authors <kvlink@users.noreply.github.com>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ
    GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_COMPONENTS_ALL programs)
if(KVLINK_HAS_MODELS)
  list(APPEND CPACK_COMPONENTS_ALL models)
endif()
if(KVLINK_HAS_OCR)
  list(APPEND CPACK_COMPONENTS_ALL ocr)
endif()
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE "")

set(CPACK_DEBIAN_PROGRAMS_PACKAGE_NAME kvlink)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_RECOMMENDS "kvlink-models, kvlink-ocr, qt6-wayland, qt6-translations-l10n")
set(CPACK_COMPONENT_PROGRAMS_DESCRIPTION
"answers about your own documents, on this computer
A language model reads every passage of your documents once; what it computed
is kept on disk, so that a question is answered without reading them again.
.
This package holds the window, kvlink-desktop, and the command line, kvlink.
Neither opens a network connection.")

set(CPACK_DEBIAN_OCR_PACKAGE_NAME kvlink-ocr)
set(CPACK_DEBIAN_OCR_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_OCR_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_OCR_PACKAGE_DEPENDS "kvlink (= ${PROJECT_VERSION}), tesseract-ocr")
set(CPACK_COMPONENT_OCR_DESCRIPTION
"scanned pages and pictures for kvlink
The program by which kvlink reads text in pictures, with Tesseract. It opens
no network connection.")

set(CPACK_DEBIAN_MODELS_PACKAGE_NAME kvlink-models)
set(CPACK_DEBIAN_MODELS_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_MODELS_PACKAGE_ARCHITECTURE all)
set(CPACK_COMPONENT_MODELS_DESCRIPTION
"default models of kvlink
SmolLM2-135M-Instruct, which answers, and all-MiniLM-L6-v2, which finds
passages, as their authors published them.")
include(CPack)
