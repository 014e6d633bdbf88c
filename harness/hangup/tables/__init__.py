"""Tables made from results: Markdown, CSV, HTML and JSON, and the page that explains them. Pure: data in, text out."""

from hangup.tables.formats import csv_table, json_table, plain_tables
from hangup.tables.pages import matrix_page, readme_page
from hangup.tables.scenarios import scenarios_page

__all__ = ["csv_table", "json_table", "matrix_page", "plain_tables", "readme_page", "scenarios_page"]
