FROM eclipse-temurin:21 AS builder
WORKDIR application
COPY pom.xml application.jar
RUN java -Djarmode=layertools -jar application.jar extract
FROM eclipse-temurin:21-jre
WORKDIR application
COPY --from=builder application/dependencies/ ./
COPY --from=builder application/application/ ./
ENTRYPOINT ["java", "org.example.Launcher"]
