# As Slicer's own file does, stop where the extension does not describe itself.
foreach(name HOMEPAGE CATEGORY CONTRIBUTORS DESCRIPTION ICONURL SCREENSHOTURLS)
  if(NOT EXTENSION_${name})
    message(FATAL_ERROR "EXTENSION_${name} is not set.")
  endif()
endforeach()
