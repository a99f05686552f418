from builder.evaluation.examples import MOST, Examples


def test_flawed_samples_are_the_worst_and_others_the_best() -> None:
    examples = Examples()
    for index, (score, flawed) in enumerate([(0.5, True), (1.0, False), (0.2, True), (0.9, False)]):
        examples.add(index, score, f"{score}", flawed)
    assert [it.index for it in examples.worst] == [2, 0]
    assert [(it.index, it.note) for it in examples.best] == [(1, "1.0"), (3, "0.9")]


def test_equal_scores_are_ordered_by_weight_then_by_number() -> None:
    examples = Examples()
    for index, weight in enumerate([1, 3, 3]):
        examples.add(index, 0.0, "", True, weight)
    assert [it.index for it in examples.worst] == [1, 2, 0]


def test_their_number_is_limited() -> None:
    examples = Examples()
    for index in range(100):
        examples.add(index, index / 100, "", index % 2 == 0)
    assert [it.index for it in examples.worst] == list(range(0, 2 * MOST, 2))
    assert [it.index for it in examples.best] == list(range(99, 99 - 2 * MOST, -2))
