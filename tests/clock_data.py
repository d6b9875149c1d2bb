"""Time zones and moments at which local time is hard to get right."""

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",  # daylight saving of half an hour
    "Pacific/Chatham",  # UTC+12:45
    "America/St_Johns",
    "Pacific/Apia",
    "Africa/Casablanca",  # daylight saving suspended for Ramadan
    "Pacific/Kiritimati",  # UTC+14
    "Etc/GMT+12",
    "Antarctica/Casey",  # changed at one minute past the hour
)

ODD_CHANGES = (1_601_740_860, 1_633_190_460, 1_664_640_060, 1_289_097_060, 1_299_987_060, 1_269_640_860)
"""Changes of offset that fall on no quarter of an hour: Casey, Newfoundland, Gaza."""
