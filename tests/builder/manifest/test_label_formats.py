import json
from pathlib import Path

from builder.manifest.label_files import from_file
from builder.manifest.label_formats import coco, cvat


def test_coco_categories_are_sorted_by_id() -> None:
    categories = [{"id": 3, "name": "car"}, {"id": 1, "name": "person", "supercategory": "x"}]
    assert coco({"images": [], "categories": categories}) == [
        {"name": "person", "id": 1},
        {"name": "car", "id": 3},
    ]


def test_keypoints_of_coco_are_counted_from_1() -> None:
    category = {"id": 1, "name": "p", "keypoints": ["a", "b"], "skeleton": [[1, 2], [0, 9], "x"]}
    assert coco({"categories": [category]}) == [
        {"name": "p", "id": 1, "sublabels": ["a", "b"], "edges": [["a", "b"]]}
    ]


def test_other_data_is_not_coco() -> None:
    assert coco(["a"]) is None
    assert coco({"names": ["a"]}) is None
    assert coco({"categories": {"a": 1}}) is None
    assert coco({"categories": ["a"]}) == ["a"]


CVAT = [
    {
        "name": "dog",
        "id": 4711,
        "color": "#ff0000",
        "type": "any",
        "attributes": [
            {
                "id": 3,
                "name": "age",
                "input_type": "number",
                "mutable": False,
                "values": ["0", "9", "1"],
            },
            {"id": 4, "name": "note", "input_type": "text", "mutable": True, "values": [""]},
        ],
    },
    {
        "name": "body",
        "id": 4712,
        "color": "#00ff00",
        "type": "skeleton",
        "sublabels": [{"name": "1", "id": 8}, {"name": "2", "id": 9}],
        "svg": '<line data-node-from="1" data-node-to="2"></line>'
        '<line data-node-from="9" data-node-to="1"></line>',
    },
]


def test_labels_of_cvat_have_no_database_ids() -> None:
    assert cvat(CVAT) == [
        {
            "name": "dog",
            "attributes": [
                {"name": "age", "input_type": "number", "values": ["0", "9", "1"]},
                {"name": "note", "input_type": "text"},
            ],
        },
        {"name": "body", "sublabels": ["1", "2"], "edges": [["1", "2"]]},
    ]


def test_labels_of_a_manifest_are_not_cvat() -> None:
    assert cvat([{"name": "dog", "id": 3}]) is None
    assert cvat(["dog"]) is None
    assert cvat([]) is None


def test_a_manifest_can_name_label_files_of_other_programs(tmp_path: Path) -> None:
    file = tmp_path / "labels.json"
    file.write_text(json.dumps({"categories": [{"id": 9, "name": "b"}, {"id": 2, "name": "a"}]}))
    assert from_file(file) == [{"name": "a"}, {"name": "b"}]
    assert from_file(file, keep_ids=True) == [{"name": "a", "id": 2}, {"name": "b", "id": 9}]
    file.write_text(json.dumps(CVAT))
    assert [entry["name"] for entry in from_file(file)] == ["dog", "body"]
