"""ReID and face embeddings: a vector for each crop."""

from builder.families.family import Family
from runtimes.embedders.vector import Embedding

EMBEDDING = Family(
    name="ReID or face embedding",
    steps=(Embedding,),
)
