"""The face to EPICS: each PV described once, served over Channel Access and pvAccess."""
