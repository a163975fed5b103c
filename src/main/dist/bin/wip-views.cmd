@echo off
rem wip-views COMMAND; reads JAVA_HOME and WIP_VIEWS_JAVA_OPTS, as bin/wip-views does, and makes no archive of classes.
setlocal
set "JAVA=java.exe"
if defined JAVA_HOME set "JAVA=%JAVA_HOME%\bin\java.exe"
"%JAVA%" -XX:TieredStopAtLevel=1 -XX:CompileThresholdScaling=4 -XX:+UseSerialGC %WIP_VIEWS_JAVA_OPTS% -jar "%~dp0..\lib\wip-views-cli.jar" %*
exit /b %ERRORLEVEL%
