# Two stages: wheels are made with pip's own settings (mount or bake a pip.conf for an index of your own), then copied
# into a base without build tools. The base is an argument; it needs glibc, since Kafka's client has no musl wheels.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /build
RUN python3 -m venv /venv
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY connector connector
COPY examples examples
RUN /venv/bin/python -m pip install --no-cache-dir --only-binary :all: --constraint constraints.txt "setuptools>=77" wheel \
    && /venv/bin/python -m pip install --no-cache-dir --prefer-binary --no-build-isolation --constraint constraints.txt . \
    && /venv/bin/python -m pip uninstall --yes setuptools wheel pip

FROM ${BASE}
LABEL org.opencontainers.image.title="putevents-connector" \
      org.opencontainers.image.description="Kafka to Amazon Personalize: PutEvents" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["putevents"]
CMD ["run", "/etc/putevents/config.yaml"]
