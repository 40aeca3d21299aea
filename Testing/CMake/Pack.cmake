message(STATUS "Packed: ${PROJECT_NAME}")
