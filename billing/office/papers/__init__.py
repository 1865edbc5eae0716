"""What every paper needs: HTML to PDF, the fonts there are, the archive. Which papers there are, apps above say."""
