FROM python:3.12 AS compile
RUN python -m venv /opt/venv
ENV PATH="/opt/venv/bin:$PATH"
COPY requirements.txt .
RUN pip install --prefix /opt/venv -r requirements.txt
FROM python:3.12-slim AS run
COPY --from=compile /opt/venv /opt/venv
ENV PATH="/opt/venv/bin:$PATH"
COPY app/ app/
CMD ["python", "-m", "app"]
