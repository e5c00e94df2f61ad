"""The texts of the dashboard, gathered from its templates and modules for the translators."""
