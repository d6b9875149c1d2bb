"""Reports: figures, sections, HTML, Markdown, JUnit; :func:`persona_lab.report.build.write_report` writes them all."""
