"""The migrations of the manager's database, run by Alembic from inside the package."""
