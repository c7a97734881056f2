# The steps are those of `make`, with the hub's own lock file: every package by its hash, then this one without any
FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home broker && install -d -o broker -g broker -m 700 /data
WORKDIR /app
COPY requirements-hub.lock ./
RUN python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements-hub.lock
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY adapters adapters
COPY broker broker
RUN python -m pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation .
USER broker
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["broker"]
CMD ["serve", "--host", "0.0.0.0", "--data", "/data", "--directory", "/directory"]
