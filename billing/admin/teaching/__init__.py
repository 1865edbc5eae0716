"""Lessons, attendance, packages and lesson credits."""

from billing.admin.teaching import lesson_page as lesson_page
from billing.admin.teaching import lessons_page as lessons_page
from billing.admin.teaching import load_page as load_page
from billing.admin.teaching import panels as panels
from billing.admin.teaching import registrations as registrations
