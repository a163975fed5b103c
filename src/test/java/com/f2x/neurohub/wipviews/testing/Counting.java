package com.f2x.neurohub.wipviews.testing;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.util.List;
import javax.sql.DataSource;

/** Notes each statement that a connection is asked for. */
public final class Counting {

  private Counting() {}

  public static DataSource statements(DataSource dataSource, List<String> statements) {
    return (DataSource)
        Proxy.newProxyInstance(
            Counting.class.getClassLoader(),
            new Class<?>[] {DataSource.class},
            (proxy, method, args) -> {
              Object result = invoke(dataSource, method, args);
              return result instanceof Connection connection
                  ? noting(connection, statements)
                  : result;
            });
  }

  private static Object noting(Connection connection, List<String> statements) {
    return Proxy.newProxyInstance(
        Counting.class.getClassLoader(),
        new Class<?>[] {Connection.class},
        (proxy, method, args) -> {
          if (method.getName().startsWith("prepare")
              || method.getName().equals("createStatement")) {
            statements.add(args == null ? "" : String.valueOf(args[0]));
          }
          return invoke(connection, method, args);
        });
  }

  private static Object invoke(Object target, java.lang.reflect.Method method, Object[] args)
      throws Throwable {
    try {
      return method.invoke(target, args);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }
}
