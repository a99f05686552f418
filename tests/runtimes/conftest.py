from hypothesis import HealthCheck, settings

# A busy machine is slow: how long an example takes says nothing about the code.
settings.register_profile(
    "untimed", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("untimed")
