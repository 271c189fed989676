"""The manager's database: typed models, and the way to reach them.

======================  =============================================================================================
`engine`                SQLite or PostgreSQL by URL, sessions, migrations
`model`                 what is offered: devices, firmware, apps, scripts
`record`                what happened: the audit log and the counters
`provisioned`           which devices a factory signed for
======================  =============================================================================================
"""
