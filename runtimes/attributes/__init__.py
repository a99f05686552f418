"""Steps that say more about instances than their class, one module a source."""
