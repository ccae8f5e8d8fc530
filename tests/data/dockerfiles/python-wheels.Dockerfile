FROM python:3.12 as builder
WORKDIR /wheels
COPY requirements.txt .
RUN pip wheel --wheel-dir /wheels -r requirements.txt
FROM python:3.12-slim
COPY --from=builder /wheels /wheels
RUN pip install --no-index --find-links=/wheels --target /deps flask && rm -rf /wheels
ENV PYTHONPATH=/deps:${PYTHONPATH}
