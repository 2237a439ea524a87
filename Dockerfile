# The production image: locked packages, the program, and a user without rights. No compiler, no secrets, no data.
ARG PYTHON=3.13

FROM python:${PYTHON}-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
RUN pip install uv==0.13.9
WORKDIR /app
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN uv sync --frozen --no-dev --no-install-project
COPY pkg pkg
RUN uv sync --frozen --no-dev

FROM python:${PYTHON}-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin concours \
  && install -d -o concours -g concours -m 700 /data /media
WORKDIR /app
COPY --from=build /app/.venv .venv
COPY pyproject.toml app.py ./
COPY migrations migrations
COPY pkg pkg
ENV PATH=/app/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
  INSTANCE=/data MEDIA_URL=file:///media BIND_ADDRESS=0.0.0.0
USER concours
VOLUME ["/data", "/media"]
EXPOSE 8000
STOPSIGNAL SIGTERM
ENTRYPOINT ["concours"]
CMD ["web"]
