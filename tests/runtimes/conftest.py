from hypothesis import HealthCheck, settings

# On a busy machine, the duration of an example does not depend on the code.
settings.register_profile(
    "untimed", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("untimed")
