"""What CVAT's server accepts from a ReID function, as rules that judge a reply."""

from builder.run.judge.values import is_whole, kind_of


def judge(reply: object, boxes0: int, boxes1: int) -> list[str]:
    """All that is wrong with a ReID function's reply.

    Args:
        reply: the decoded JSON.
        boxes0, boxes1: how many boxes the request had of each frame.

    Returns:
        One sentence a fault, with its place; nothing when CVAT can use the reply.
    """
    if not isinstance(reply, list):
        return [f"the reply is {kind_of(reply)}, not a list of numbers"]
    faults = []
    if len(reply) != boxes0:
        faults.append(f"the reply has {len(reply)} entries for {boxes0} boxes of the first frame")
    seen: dict[int, int] = {}
    for place, match in enumerate(reply):
        if not is_whole(match):
            faults.append(f"[{place}]: {match!r} is no whole number")
        elif not -1 <= match < boxes1:
            allowed = f"-1 to {boxes1 - 1}" if boxes1 else "-1"
            faults.append(f"[{place}]: {match} is no box of the second frame: {allowed}")
        elif match >= 0 and match in seen:
            faults.append(
                f"[{place}]: box {match} is joined to {seen[match]} already; CVAT would make two "
                "tracks of one box"
            )
        else:
            seen[match] = place
    return faults
