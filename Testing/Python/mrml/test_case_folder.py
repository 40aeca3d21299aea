"""All of a case in one folder of the subject hierarchy."""

import pytest
import slicer
from CardioScarMRML import CardioScarCase, addPhantomNodes
from CardioScarMRML.case_folder import FOLDER_ATTRIBUTE
from CardioScarMRML.next_slices import addPlanes

from CardioScar import CardioScarLogic


def path_of(hierarchy, node) -> list[str]:
    """Names from the top of the hierarchy to the folder of a node."""
    item, names = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)), []
    while item not in (0, hierarchy.GetSceneItemID()):
        names.insert(0, hierarchy.GetItemName(item))
        item = hierarchy.GetItemParent(item)
    return names


@pytest.fixture
def logic(a_fake_reconstruct):
    return CardioScarLogic(a_fake_reconstruct)


def test_volume_wall_map_table_and_planes_are_in_one_folder(a_hierarchy, a_scene, a_phantom, an_advice, logic):
    volume, model = addPhantomNodes(a_scene, a_phantom)
    for _ in range(2):
        result = logic.reconstruct(CardioScarCase(volume, model), asCopy=True)
        planes = addPlanes(result.modelNode, an_advice)
        for node in (volume, model, result.modelNode, result.tableNode):
            assert path_of(a_hierarchy, node) == ["CardioScar Phantom LGE"]
        assert path_of(a_hierarchy, planes[0])[0] == "CardioScar Phantom LGE"


def test_a_volume_of_a_study_stays_there_and_the_folder_is_in_the_study(a_hierarchy, a_scene, a_phantom, logic):
    volume, model = addPhantomNodes(a_scene, a_phantom)
    patient = a_hierarchy.CreateSubjectItem(a_hierarchy.GetSceneItemID(), "Anonymous")
    study = a_hierarchy.CreateStudyItem(patient, "LGE study")
    a_hierarchy.SetItemParent(a_hierarchy.GetItemByDataNode(volume), study)
    result = logic.reconstruct(CardioScarCase(volume, model))
    assert path_of(a_hierarchy, volume) == ["Anonymous", "LGE study"]
    for node in (model, result.tableNode):
        assert path_of(a_hierarchy, node) == ["Anonymous", "LGE study", "CardioScar Phantom LGE"]


def test_what_a_person_has_sorted_stays_where_it_is_and_two_hearts_have_two_folders(a_hierarchy, a_scene, a_phantom, logic):
    first, second = addPhantomNodes(a_scene, a_phantom), addPhantomNodes(a_scene, a_phantom)
    mine = a_hierarchy.CreateFolderItem(a_hierarchy.GetSceneItemID(), "Mine")
    a_hierarchy.SetItemParent(a_hierarchy.GetItemByDataNode(first[1]), mine)
    for case in (first, second):
        logic.reconstruct(CardioScarCase(*case))
    assert path_of(a_hierarchy, first[1]) == ["Mine"]
    assert path_of(a_hierarchy, first[0]) != path_of(a_hierarchy, second[0])
    folder = a_hierarchy.GetItemParent(a_hierarchy.GetItemByDataNode(second[1]))
    assert a_hierarchy.GetItemAttribute(folder, FOLDER_ATTRIBUTE) == second[0].GetID()


def test_without_the_application_there_are_no_items_and_nothing_is_made(a_scene, a_case, logic):
    logic.reconstruct(CardioScarCase(*a_case))
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(a_scene)
    assert hierarchy.GetNumberOfItems() == 0
