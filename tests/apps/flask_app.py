# SPDX-License-Identifier: MIT
"""The original of app/flask, in Flask:  tests/apps/flask_app.py PORT"""

import sys
import time

from flask import Flask, Response, abort, jsonify, redirect, request

app = Flask(__name__)


@app.errorhandler(404)
def not_found(_):
    if request.path.startswith("/value/"):
        return jsonify(error="no such value"), 404
    return jsonify(error="no such path", path=request.path), 404


@app.errorhandler(405)
def not_allowed(error):
    answer = jsonify(error="not for this path", method=request.method)
    answer.headers["Allow"] = ", ".join(error.valid_methods)
    return answer, 405


@app.errorhandler(500)
def broken(_):
    return jsonify(error="our fault"), 500


@app.get("/")
def hello():
    return jsonify(hello=request.args.get("name", "world"))


@app.get("/item/<int:number>")
def item(number):
    return jsonify(item=number)


@app.get("/item/<name>")
def named(name):
    return jsonify(name=name)


@app.get("/files/<path:rest>")
def file(rest):
    return jsonify(file=rest)


@app.get("/value/<float:number>")
def half(number):
    return jsonify(half=number / 2)


@app.get("/value/<uuid:name>")
def unique(name):
    return jsonify(uuid=str(name))


@app.get("/search")
def search():
    return jsonify(q=request.args.get("q"), lang=request.args.get("lang"))


@app.post("/form")
def form():
    photo = request.files.get("photo")
    return jsonify(name=request.form.get("name"), photo=photo and photo.filename,
                   bytes=len(photo.read()) if photo else 0)


@app.post("/sum")
def add():
    data = request.get_json()
    try:
        total = sum(data.get("numbers", []))
    except TypeError:
        abort(422)
    return jsonify(who=data.get("who"), sum=total), 201


@app.put("/mirror")
def mirror():
    return jsonify(request.get_json())


@app.post("/login")
def login():
    if "name" not in request.form:
        abort(400)
    answer = redirect("/me", 303)
    answer.set_cookie("user", request.form["name"], max_age=3600, httponly=True, samesite="Lax")
    return answer


@app.get("/me")
def me():
    if "user" not in request.cookies:
        abort(401)
    return jsonify(user=request.cookies["user"])


@app.get("/stream/<int:n>")
def stream(n):
    return Response((f"line {i}\n" for i in range(n)), mimetype="text/plain")


@app.get("/events")
def events():
    def ticks():
        for i in range(3):
            yield f'event: tick\nid: {i}\ndata: {{"n": {i}}}\ndata: second line\n\n'
            time.sleep(0.1)
    return Response(ticks(), mimetype="text/event-stream")


@app.get("/fault")
def fault():
    raise ValueError("on purpose")


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=int(sys.argv[1]))
