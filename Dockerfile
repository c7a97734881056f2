FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home broker
WORKDIR /app
COPY requirements-hub.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements-hub.lock
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY adapters adapters
COPY broker broker
RUN pip install --no-cache-dir --no-deps .
USER broker
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["broker"]
CMD ["serve", "--host", "0.0.0.0", "--data", "/data", "--directory", "/directory"]
