FROM gradle:8 AS build
USER root
COPY --chown=www-data:www-data . /home/gradle/src
WORKDIR /home/gradle/src
RUN gradle build --no-daemon
FROM eclipse-temurin:21-jre
EXPOSE 8080/tcp 8443
VOLUME /tmp
RUN mkdir /app
COPY --from=build /home/gradle/src/build/libs/*.jar /app/spring-boot.jar
ENV JAVA_OPTS=""
ENTRYPOINT exec java $JAVA_OPTS -jar /app/spring-boot.jar
