"""Open the panel in a process of its own, as the first thing it does; print what it did for that, and what it imported."""

import json
import sys
import tempfile

import conftest
import qt
import slicer
from CardioScarMRML import addPhantomNodes
from counted import counted

from CardioScarLib.phantom import phantom_case

CALLS = ("stackFromVolumeNode", "wallFromModelNode", "check_geometry", "slice_views")

application = qt.QApplication(["CardioScar"])
scene = conftest.new_scene(tempfile.gettempdir())
addPhantomNodes(scene, phantom_case("B", seed=1, nodes=3000, noise=0.0))
from CardioScar import CardioScarWidget  # noqa: E402

parent = slicer.qMRMLWidget()
parent.setLayout(qt.QVBoxLayout())
with counted() as work:
    widget = CardioScarWidget(parent)
    widget.setup()
    widget.enter()
    parent.show()
    application.processEvents()
heavy = sorted({name.partition(".")[0] for name in sys.modules} & {"torch", "matplotlib", "pandas", "rich", "click", "pydicom"})
own = [module.__file__ for name, module in sys.modules.items() if name.startswith("CardioScar")]
read = [path for path in work.opened if not path.endswith((".py", ".pyc"))]
calls = {name: work.calls[name] for name in CALLS}
print(json.dumps({"lines": work.lines, "calls": calls, "read": read, "started": work.started, "heavy": heavy, "own": own}))
widget.cleanup()
