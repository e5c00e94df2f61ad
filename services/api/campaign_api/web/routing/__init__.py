"""The Flask application, its resources, and their OpenAPI document."""
