"""Messages about runs in Slack, at a webhook and by mail: blocks and automations of a Prefect server that stays."""
