"""The operating system: dispatch, dashboard, onboarding, lock, apps and their permissions, screens, storage."""
