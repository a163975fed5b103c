package com.f2x.neurohub.wipviews;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import javax.sql.DataSource;

/** A pool of one connection, which stays open when it is given back. */
final class Unclosable {

  private Unclosable() {}

  static DataSource of(Connection connection) {
    Connection lent =
        (Connection)
            Proxy.newProxyInstance(
                Unclosable.class.getClassLoader(),
                new Class<?>[] {Connection.class},
                (proxy, method, args) -> {
                  if (method.getName().equals("close")) {
                    return null;
                  }
                  try {
                    return method.invoke(connection, args);
                  } catch (InvocationTargetException e) {
                    throw e.getCause();
                  }
                });
    return (DataSource)
        Proxy.newProxyInstance(
            Unclosable.class.getClassLoader(),
            new Class<?>[] {DataSource.class},
            (proxy, method, args) -> lent);
  }
}
