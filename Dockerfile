# The first stage installs wheels into a virtual environment and copies what they need from the base. The second stage is
# only that: no shell, no package manager, no pip. See docs/image.md.
# The base needs glibc (Kafka's client has no musl wheels), Python 3.11 or newer with venv, and ca-certificates.
ARG BASE=python:3.11.14-slim-bookworm

FROM ${BASE} AS build
# 1 compiles the core, which halves what a record costs; 0 for a base that has no compiler and no apt-get to install one.
ARG COMPILE=1
# Extras of pyproject.toml, separated by commas. protobuf is what fits into 105 MB; formats has all. See docs/image.md.
ARG EXTRAS=protobuf
# pip takes its settings from the base's pip.conf, and these two where they are given. Nothing of this stage is shipped.
ARG PIP_INDEX_URL
ARG PIP_TRUSTED_HOST
WORKDIR /build
COPY deploy/image deploy/image
RUN if [ "$COMPILE" = 1 ]; then deploy/image/compiler; fi
COPY constraints.txt pyproject.toml setup.py README.md LICENSE ./
RUN python3 -m venv /build/tools \
    && /build/tools/bin/python -m pip install --no-cache-dir --only-binary :all: --constraint constraints.txt \
        setuptools==80.9.0 mypy
COPY tools/build_backend.py tools/
COPY connector connector
COPY examples examples
RUN PUTEVENTS_COMPILE=$COMPILE /build/tools/bin/python -m pip wheel --no-build-isolation --no-deps --wheel-dir /build/wheel . \
    && python3 -m venv /venv \
    && /venv/bin/python -m pip install --no-cache-dir --only-binary :all: --constraint constraints.txt \
        "$(ls /build/wheel/*.whl)${EXTRAS:+[$EXTRAS]}" \
    && /venv/bin/python -m pip uninstall --yes setuptools pip
RUN python3 deploy/image/trim.py /venv \
    && python3 deploy/image/root.py /venv /image

FROM scratch
COPY --from=build /image /
COPY --from=build /venv /venv
ENV PATH=/venv/bin \
    HOME=/home/putevents \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["putevents"]
CMD ["run", "/etc/putevents/config.yaml"]
# These come last, because they differ in every build and would invalidate the layers after them.
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="putevents-connector" \
      org.opencontainers.image.description="Kafka to Amazon Personalize: PutEvents" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
