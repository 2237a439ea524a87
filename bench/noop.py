"""A Flask view that does nothing: the measure that others are held against."""

from flask import Flask, Response, jsonify


def create_app() -> Flask:
    """The application."""
    app = Flask("noop")

    @app.get("/")
    def nothing() -> Response:
        return jsonify(ok=True)

    return app
