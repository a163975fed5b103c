package com.f2x.neurohub.wipviews.spring;

/** Anybody could refresh over HTTP: the service does not start. */
final class UnprotectedException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final String path;

  UnprotectedException(String path) {
    super(
        "anybody may call POST "
            + path
            + "; protect it with Spring Security, or set wip-views.http.allow-unprotected");
    this.path = path;
  }

  String path() {
    return path;
  }
}
