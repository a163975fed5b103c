# The distribution that mvn package leaves in target, on a Java runtime: docker build -t wip-views .
# docs/install.md has its uses: a job that deploys, the scheduler, a CronJob.
ARG JRE=eclipse-temurin:25-jre
FROM ${JRE}
ADD target/wip-views-*.tar.gz /opt/
RUN ln -s /opt/wip-views-*/bin/wip-views /usr/local/bin/wip-views \
    # archives the classes, for a fast start
    && wip-views --version
USER 10001:10001
ENTRYPOINT ["wip-views"]
CMD ["--help"]
