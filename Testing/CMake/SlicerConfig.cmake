# A stand-in for Slicer's build system, so that the extension's own CMake files can be configured without Slicer.
#
#   cmake -S . -B build -DSlicer_DIR=Testing/CMake && cmake --install build --prefix installed
#
# It checks that what the macros need is given, and installs scripts and resources where Slicer's macros do.
set(Slicer_USE_FILE "${CMAKE_CURRENT_LIST_DIR}/UseSlicer.cmake")
set(Slicer_EXTENSION_GENERATE_CONFIG "${CMAKE_CURRENT_LIST_DIR}/GenerateConfig.cmake")
set(Slicer_EXTENSION_CPACK "${CMAKE_CURRENT_LIST_DIR}/Pack.cmake")
