"""The Unleash client of the service."""

from UnleashClient import UnleashClient

from app import settings

unleash = UnleashClient(
    url=f"{settings.UNLEASH_URL}/api",
    app_name=settings.SERVICE,
    environment=settings.UNLEASH_ENVIRONMENT,
    custom_headers={"Authorization": settings.UNLEASH_API_TOKEN},
    refresh_interval=settings.UNLEASH_REFRESH_INTERVAL,
    metrics_interval=settings.UNLEASH_METRICS_INTERVAL,
    cache_directory=settings.UNLEASH_CACHE_DIRECTORY,
)
