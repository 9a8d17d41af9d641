<?xml version="1.0" encoding="UTF-8"?>
<!--
  An OASIS UBL 2.1 CertificateOfOrigin as a certificate of the form that it names.

  The inverse of certificate-to-ubl.xsl, and a little wider, so that documents of others are read too: where UBL
  has a second place for the same thing it is looked up there. What is not there stays away; nothing is filled in.
-->
<xsl:stylesheet version="1.0"
    xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
    xmlns:exsl="http://exslt.org/common"
    xmlns:ubl="urn:oasis:names:specification:ubl:schema:xsd:CertificateOfOrigin-2"
    xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
    xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
    exclude-result-prefixes="exsl ubl cac cbc">

  <xsl:param name="namespace"/>
  <xsl:param name="root"/>      <!-- name of the certificate's root element -->

  <xsl:strip-space elements="*"/>

  <!-- A unit that packs several items says nothing of a single one. -->
  <xsl:key name="packed" match="cac:Shipment/cac:TransportHandlingUnit[count(cac:GoodsItem) = 1]"
           use="cac:GoodsItem/cbc:SequenceNumberID"/>
  <xsl:key name="invoices"
           match="cac:SupportingDocumentReference[normalize-space(cbc:DocumentTypeCode) = '380']"
           use="cbc:XPath"/>
  <!-- An invoice that points at no item is one of all of them. -->
  <xsl:key name="invoices"
           match="cac:SupportingDocumentReference[normalize-space(cbc:DocumentTypeCode) = '380'][not(cbc:XPath)]"
           use="'of every item'"/>

  <xsl:template match="/">
    <xsl:variable name="bare"><xsl:apply-templates select="ubl:CertificateOfOrigin"/></xsl:variable>
    <xsl:apply-templates select="exsl:node-set($bare)/*" mode="dressed"/>
  </xsl:template>

  <xsl:template match="*" mode="dressed">
    <xsl:element name="{local-name()}" namespace="{$namespace}">
      <xsl:copy-of select="@*"/>
      <xsl:apply-templates mode="dressed"/>
    </xsl:element>
  </xsl:template>

  <!-- An element called $name with the text of the first of $from that has any. -->
  <xsl:template name="text">
    <xsl:param name="name"/>
    <xsl:param name="from"/>
    <xsl:for-each select="$from[normalize-space()][1]">
      <xsl:element name="{$name}"><xsl:value-of select="."/></xsl:element>
    </xsl:for-each>
  </xsl:template>

  <!-- The same for a code, around which white space means nothing. -->
  <xsl:template name="code">
    <xsl:param name="name"/>
    <xsl:param name="from"/>
    <xsl:for-each select="$from[normalize-space()][1]">
      <xsl:element name="{$name}"><xsl:value-of select="normalize-space()"/></xsl:element>
    </xsl:for-each>
  </xsl:template>

  <!-- The certificate -->

  <xsl:template match="ubl:CertificateOfOrigin">
    <xsl:variable name="application" select="cac:CertificateOfOriginApplication"/>
    <xsl:variable name="shipment" select="$application/cac:Shipment"/>
    <xsl:variable name="consignment" select="$shipment/cac:Consignment[1]"/>
    <xsl:variable name="issuer" select="cac:IssuerEndorsement/cac:EndorserParty"/>
    <xsl:element name="{$root}">
      <xsl:call-template name="text">
        <xsl:with-param name="name" select="'CertificateNumber'"/>
        <xsl:with-param name="from" select="cbc:ID"/>
      </xsl:call-template>
      <xsl:apply-templates select="." mode="countries">
        <xsl:with-param name="shipment" select="$shipment"/>
      </xsl:apply-templates>
      <xsl:call-template name="text">
        <xsl:with-param name="name" select="'IssueDate'"/>
        <xsl:with-param name="from" select="cbc:IssueDate"/>
      </xsl:call-template>
      <xsl:call-template name="text">
        <xsl:with-param name="name" select="'IssuePlace'"/>
        <xsl:with-param name="from" select="$issuer/cac:Party/cac:PhysicalLocation/cbc:Name"/>
      </xsl:call-template>
      <xsl:call-template name="text">
        <xsl:with-param name="name" select="'IssuingBody'"/>
        <xsl:with-param name="from" select="$application/cac:IssuerParty/cac:PartyName/cbc:Name"/>
      </xsl:call-template>
      <xsl:call-template name="text">
        <xsl:with-param name="name" select="'Signatory'"/>
        <xsl:with-param name="from" select="$issuer/cac:SignatoryContact/cbc:ID"/>
      </xsl:call-template>
      <xsl:apply-templates select="(cac:ExporterParty | $application/cac:ExporterParty)[1]"/>
      <xsl:apply-templates select="." mode="consignee">
        <xsl:with-param name="consignment" select="$consignment"/>
      </xsl:apply-templates>
      <xsl:for-each select="($shipment/cac:GoodsItem/cac:Item[cac:AdditionalItemProperty/cbc:NameCode = 'Producer'])[1]">
        <Producer><xsl:apply-templates select="cac:ManufacturerParty[1]" mode="firm"/></Producer>
      </xsl:for-each>
      <xsl:apply-templates select="$shipment" mode="transport"/>
      <xsl:apply-templates select="$consignment" mode="marks"/>
      <xsl:apply-templates select="$application" mode="documents"/>
      <xsl:apply-templates select="$shipment/cac:Delivery/cac:DeliveryLocation" mode="exhibition"/>
      <xsl:apply-templates select="$application" mode="earlier"/>
      <xsl:apply-templates select="$application" mode="declaration"/>
      <xsl:if test="$application/cbc:Remarks[normalize-space()]">
        <Remarks><xsl:apply-templates select="$application/cbc:Remarks[normalize-space()]" mode="joined"/></Remarks>
      </xsl:if>
      <Items><xsl:apply-templates select="$shipment/cac:GoodsItem"/></Items>
    </xsl:element>
  </xsl:template>

  <xsl:template match="ubl:CertificateOfOrigin" mode="countries">
    <xsl:param name="shipment"/>
    <xsl:variable name="issuing" select="cac:CertificateOfOriginApplication/cac:IssuingCountry/cbc:IdentificationCode"/>
    <xsl:variable name="export" select="$shipment/cac:ExportCountry/cbc:IdentificationCode"/>
    <xsl:call-template name="code">
      <xsl:with-param name="name" select="'ExportingCountry'"/>
      <xsl:with-param name="from" select="$export | $issuing[not(normalize-space($export))]"/>
    </xsl:call-template>
    <xsl:call-template name="code">
      <xsl:with-param name="name" select="'ImportingCountry'"/>
      <xsl:with-param name="from" select="$shipment/cac:Consignment[1]/cac:FinalDestinationCountry/cbc:IdentificationCode"/>
    </xsl:call-template>
  </xsl:template>

  <xsl:template match="ubl:CertificateOfOrigin" mode="consignee">
    <xsl:param name="consignment"/>
    <xsl:variable name="consignee" select="$consignment/cac:ConsigneeParty"/>
    <xsl:for-each select="$consignee | (cac:ImporterParty | cac:CertificateOfOriginApplication/cac:ImporterParty
                          | $consignment/cac:ImporterParty)[not($consignee)][1]">
      <Consignee><xsl:apply-templates select="." mode="firm"/></Consignee>
    </xsl:for-each>
  </xsl:template>

  <!-- Several texts, where a certificate has room for one -->
  <xsl:template match="*" mode="joined">
    <xsl:if test="position() &gt; 1"><xsl:text> </xsl:text></xsl:if>
    <xsl:value-of select="."/>
  </xsl:template>

  <!-- Firms -->

  <xsl:template match="cac:ExporterParty">
    <Exporter><xsl:apply-templates select="." mode="firm"/></Exporter>
  </xsl:template>

  <xsl:template match="*" mode="firm">
    <xsl:variable name="address" select="cac:PostalAddress"/>
    <xsl:variable name="name" select="cac:PartyName/cbc:Name"/>
    <xsl:variable name="lines"><xsl:apply-templates select="$address" mode="lines"/></xsl:variable>
    <xsl:variable name="number" select="cac:PartyIdentification/cbc:ID"/>
    <xsl:call-template name="text">
      <xsl:with-param name="name" select="'Name'"/>
      <xsl:with-param name="from" select="$name | cac:PartyLegalEntity[not($name)]/cbc:RegistrationName"/>
    </xsl:call-template>
    <xsl:if test="exsl:node-set($lines)/*">
      <Address><xsl:copy-of select="$lines"/></Address>
    </xsl:if>
    <xsl:call-template name="code">
      <xsl:with-param name="name" select="'Country'"/>
      <xsl:with-param name="from" select="$address/cac:Country/cbc:IdentificationCode"/>
    </xsl:call-template>
    <xsl:call-template name="text">
      <xsl:with-param name="name" select="'Registration'"/>
      <xsl:with-param name="from" select="$number | cac:PartyLegalEntity[not($number)]/cbc:CompanyID"/>
    </xsl:call-template>
  </xsl:template>

  <!-- An address in parts is read line by line as it is written on paper, then come its free lines. -->
  <xsl:template match="cac:PostalAddress" mode="lines">
    <xsl:apply-templates select="cbc:BuildingName" mode="line"/>
    <xsl:apply-templates select="." mode="line">
      <xsl:with-param name="text" select="normalize-space(concat(cbc:BuildingNumber, ' ', cbc:StreetName))"/>
    </xsl:apply-templates>
    <xsl:apply-templates select="cbc:AdditionalStreetName" mode="line"/>
    <xsl:apply-templates select="." mode="line">
      <xsl:with-param name="text" select="normalize-space(concat(cbc:CityName, ' ', cbc:PostalZone))"/>
    </xsl:apply-templates>
    <xsl:apply-templates select="cbc:CountrySubentity" mode="line"/>
    <xsl:apply-templates select="cac:AddressLine/cbc:Line" mode="line"/>
  </xsl:template>

  <xsl:template match="*" mode="line">
    <xsl:param name="text" select="string()"/>
    <xsl:if test="normalize-space($text)"><Line><xsl:value-of select="$text"/></Line></xsl:if>
  </xsl:template>

  <!-- Transport -->

  <xsl:template match="cac:Shipment" mode="transport">
    <xsl:variable name="stage" select="cac:ShipmentStage[1]"/>
    <xsl:variable name="means" select="$stage/cac:TransportMeans"/>
    <xsl:variable name="found">
      <xsl:apply-templates select="$stage/cbc:TransportModeCode[normalize-space()]"/>
      <xsl:apply-templates select="$stage" mode="departure"/>
      <xsl:call-template name="text">
        <xsl:with-param name="name" select="'Vessel'"/>
        <xsl:with-param name="from" select="$means/cac:MaritimeTransport/cbc:VesselName | $means/cac:AirTransport/cbc:AircraftID
            | $means/cac:RoadTransport/cbc:LicensePlateID | $means/cac:RailTransport/cbc:TrainID"/>
      </xsl:call-template>
      <xsl:call-template name="port">
        <xsl:with-param name="name" select="'PortOfLoading'"/>
        <xsl:with-param name="from" select="$stage/cac:LoadingPortLocation"/>
      </xsl:call-template>
      <xsl:call-template name="port">
        <xsl:with-param name="name" select="'PortOfDischarge'"/>
        <xsl:with-param name="from" select="cac:ShipmentStage[last()]/cac:UnloadingPortLocation"/>
      </xsl:call-template>
      <xsl:if test="cbc:Information[normalize-space()]">
        <Route><xsl:apply-templates select="cbc:Information[normalize-space()]" mode="joined"/></Route>
      </xsl:if>
    </xsl:variable>
    <xsl:if test="exsl:node-set($found)/*"><Transport><xsl:copy-of select="$found"/></Transport></xsl:if>
  </xsl:template>

  <!-- UNECE Recommendation 19; any other code stays as it is, and is told when the certificate is judged. -->
  <xsl:template match="cbc:TransportModeCode">
    <xsl:variable name="code" select="normalize-space()"/>
    <Mode>
      <xsl:choose>
        <xsl:when test="$code = '1'">sea</xsl:when>
        <xsl:when test="$code = '2'">rail</xsl:when>
        <xsl:when test="$code = '3'">road</xsl:when>
        <xsl:when test="$code = '4'">air</xsl:when>
        <xsl:when test="$code = '5'">post</xsl:when>
        <xsl:when test="$code = '6'">multimodal</xsl:when>
        <xsl:when test="$code = '8'">inland_waterway</xsl:when>
        <xsl:otherwise><xsl:value-of select="$code"/></xsl:otherwise>
      </xsl:choose>
    </Mode>
  </xsl:template>

  <!-- What was counts before what is expected, and that before what was planned. -->
  <xsl:template match="cac:ShipmentStage" mode="departure">
    <xsl:variable name="actual" select="cac:ActualDepartureTransportEvent/cbc:OccurrenceDate"/>
    <xsl:variable name="estimated" select="cac:EstimatedDepartureTransportEvent/cbc:OccurrenceDate"/>
    <xsl:variable name="planned" select="cac:PlannedDepartureTransportEvent/cbc:OccurrenceDate"/>
    <xsl:call-template name="text">
      <xsl:with-param name="name" select="'DepartureDate'"/>
      <xsl:with-param name="from" select="$actual | $estimated[not($actual)] | $planned[not($actual | $estimated)]"/>
    </xsl:call-template>
  </xsl:template>

  <xsl:template name="port">
    <xsl:param name="name"/>
    <xsl:param name="from"/>
    <xsl:call-template name="text">
      <xsl:with-param name="name" select="$name"/>
      <xsl:with-param name="from" select="$from/cbc:ID | $from[not(cbc:ID)]/cbc:Name"/>
    </xsl:call-template>
  </xsl:template>

  <!-- Marks: true for a box that was ticked, nothing for an endorsement in words, false for what does not apply. -->
  <xsl:template match="cac:Consignment" mode="marks">
    <xsl:variable name="found">
      <xsl:for-each select="cac:Status[cbc:ConditionCode/@listID = 'mark']">
        <xsl:variable name="ticked" select="normalize-space(cbc:IndicationIndicator)"/>
        <xsl:choose>
          <xsl:when test="$ticked = 'true'"><Tick><xsl:value-of select="cbc:ConditionCode"/></Tick></xsl:when>
          <xsl:when test="$ticked = ''"><Endorsement><xsl:value-of select="cbc:ConditionCode"/></Endorsement></xsl:when>
        </xsl:choose>
      </xsl:for-each>
    </xsl:variable>
    <xsl:if test="exsl:node-set($found)/*"><Ticks><xsl:copy-of select="$found"/></Ticks></xsl:if>
  </xsl:template>

  <!-- Other documents -->

  <xsl:template match="cac:CertificateOfOriginApplication" mode="documents">
    <xsl:variable name="exporter" select="../cac:ExporterParty/cac:PartyName/cbc:Name"/>
    <xsl:variable name="third" select="cac:SupportingDocumentReference[normalize-space(cbc:DocumentTypeCode) = '380']
        /cac:IssuerParty[not(cac:PartyName/cbc:Name = $exporter)][1]"/>
    <xsl:variable name="originals" select="cac:SupportingDocumentReference[cbc:DocumentStatusCode = 'original']"/>
    <xsl:for-each select="$third[1]">
      <ThirdPartyInvoice>
        <xsl:call-template name="text">
          <xsl:with-param name="name" select="'Name'"/>
          <xsl:with-param name="from" select="cac:PartyName/cbc:Name"/>
        </xsl:call-template>
        <xsl:call-template name="code">
          <xsl:with-param name="name" select="'Country'"/>
          <xsl:with-param name="from" select="cac:PostalAddress/cac:Country/cbc:IdentificationCode"/>
        </xsl:call-template>
      </ThirdPartyInvoice>
    </xsl:for-each>
    <xsl:if test="$originals">
      <BackToBack>
        <xsl:for-each select="$originals">
          <Original>
            <xsl:apply-templates select="." mode="earlier"/>
            <xsl:call-template name="code">
              <xsl:with-param name="name" select="'IssuingCountry'"/>
              <xsl:with-param name="from" select="cac:IssuerParty/cac:PostalAddress/cac:Country/cbc:IdentificationCode"/>
            </xsl:call-template>
            <xsl:call-template name="text">
              <xsl:with-param name="name" select="'ApprovedExporter'"/>
              <xsl:with-param name="from" select="cac:IssuerParty/cac:PartyIdentification/cbc:ID"/>
            </xsl:call-template>
          </Original>
        </xsl:for-each>
      </BackToBack>
    </xsl:if>
  </xsl:template>

  <xsl:template match="cac:CertificateOfOriginApplication" mode="earlier">
    <xsl:for-each select="cac:SupportingDocumentReference[cbc:DocumentStatusCode = 'copied']">
      <CertifiedTrueCopyOf><xsl:apply-templates select="." mode="earlier"/></CertifiedTrueCopyOf>
    </xsl:for-each>
    <xsl:for-each select="cac:SupportingDocumentReference[cbc:DocumentStatusCode = 'replaced']">
      <Replaces>
        <xsl:apply-templates select="." mode="earlier"/>
        <xsl:if test="cbc:DocumentDescription[normalize-space()]">
          <Reason><xsl:apply-templates select="cbc:DocumentDescription[normalize-space()]" mode="joined"/></Reason>
        </xsl:if>
      </Replaces>
    </xsl:for-each>
  </xsl:template>

  <xsl:template match="cac:SupportingDocumentReference" mode="earlier">
    <xsl:call-template name="text">
      <xsl:with-param name="name" select="'Number'"/>
      <xsl:with-param name="from" select="cbc:ID"/>
    </xsl:call-template>
    <xsl:call-template name="text">
      <xsl:with-param name="name" select="'IssueDate'"/>
      <xsl:with-param name="from" select="cbc:IssueDate"/>
    </xsl:call-template>
  </xsl:template>

  <xsl:template match="cac:CertificateOfOriginApplication" mode="declaration">
    <xsl:variable name="exporter" select="cac:EndorserParty[cbc:RoleCode = 'exporter'][1]"/>
    <xsl:variable name="found">
      <xsl:call-template name="text">
        <xsl:with-param name="name" select="'Place'"/>
        <xsl:with-param name="from" select="$exporter/cac:Party/cac:PhysicalLocation/cbc:Name"/>
      </xsl:call-template>
      <xsl:call-template name="text">
        <xsl:with-param name="name" select="'Date'"/>
        <xsl:with-param name="from"
            select="cac:SupportingDocumentReference[normalize-space(cbc:DocumentTypeCode) = '862']/cbc:IssueDate"/>
      </xsl:call-template>
      <xsl:call-template name="text">
        <xsl:with-param name="name" select="'Signatory'"/>
        <xsl:with-param name="from" select="$exporter/cac:SignatoryContact/cbc:Name"/>
      </xsl:call-template>
    </xsl:variable>
    <xsl:if test="exsl:node-set($found)/*"><Declaration><xsl:copy-of select="$found"/></Declaration></xsl:if>
  </xsl:template>

  <xsl:template match="cac:DeliveryLocation" mode="exhibition">
    <xsl:if test="normalize-space(cbc:LocationTypeCode) = 'exhibition'">
      <Exhibition>
        <xsl:call-template name="text">
          <xsl:with-param name="name" select="'Name'"/>
          <xsl:with-param name="from" select="cbc:Name"/>
        </xsl:call-template>
        <xsl:if test="cac:Address/cac:AddressLine/cbc:Line[normalize-space()]">
          <Address><xsl:apply-templates select="cac:Address/cac:AddressLine/cbc:Line[normalize-space()]" mode="joined"/></Address>
        </xsl:if>
      </Exhibition>
    </xsl:if>
  </xsl:template>

  <!-- Items -->

  <xsl:template match="cac:GoodsItem">
    <xsl:variable name="item" select="cac:Item[1]"/>
    <xsl:variable name="properties" select="$item/cac:AdditionalItemProperty"/>
    <Item>
      <xsl:call-template name="text">
        <xsl:with-param name="name" select="'Number'"/>
        <xsl:with-param name="from" select="cbc:SequenceNumberID"/>
      </xsl:call-template>
      <xsl:apply-templates select="." mode="packages"/>
      <xsl:apply-templates select="." mode="description"/>
      <xsl:call-template name="code">
        <xsl:with-param name="name" select="'HarmonizedSystemCode'"/>
        <xsl:with-param name="from" select="$item/cac:CommodityClassification/cbc:CommodityCode
            | $item[not(cac:CommodityClassification/cbc:CommodityCode)]/cac:CommodityClassification/cbc:ItemClassificationCode"/>
      </xsl:call-template>
      <xsl:for-each select="cbc:PreferenceCriterionCode[normalize-space()]
                            | $properties[cbc:NameCode = 'OriginCriterion']/cbc:Value[normalize-space()]">
        <OriginCriterion><xsl:value-of select="normalize-space()"/></OriginCriterion>
      </xsl:for-each>
      <xsl:call-template name="text">
        <xsl:with-param name="name" select="'RvcPercent'"/>
        <xsl:with-param name="from" select="$properties[cbc:NameCode = 'RvcPercent']/cbc:ValueQuantity"/>
      </xsl:call-template>
      <xsl:call-template name="code">
        <xsl:with-param name="name" select="'Origin'"/>
        <xsl:with-param name="from" select="$item/cac:OriginCountry/cbc:IdentificationCode"/>
      </xsl:call-template>
      <xsl:call-template name="code">
        <xsl:with-param name="name" select="'TariffDifferential'"/>
        <xsl:with-param name="from" select="$properties[cbc:NameCode = 'TariffDifferential']/cbc:Value"/>
      </xsl:call-template>
      <xsl:if test="not($properties[cbc:NameCode = 'Producer'])">
        <xsl:for-each select="$item/cac:ManufacturerParty[1]">
          <Producer><xsl:apply-templates select="." mode="firm"/></Producer>
        </xsl:for-each>
      </xsl:if>
      <xsl:apply-templates select="cbc:GrossWeightMeasure | cbc:NetWeightMeasure | cbc:Quantity" mode="measure"/>
      <xsl:for-each select="cbc:FreeOnBoardValueAmount">
        <FobValue currency="{normalize-space(@currencyID)}"><xsl:value-of select="."/></FobValue>
      </xsl:for-each>
      <xsl:apply-templates select="." mode="invoices"/>
    </Item>
  </xsl:template>

  <xsl:template match="cac:GoodsItem" mode="packages">
    <xsl:variable name="unit" select="key('packed', cbc:SequenceNumberID)"/>
    <xsl:variable name="package" select="$unit/cac:ActualPackage | cac:ContainingPackage[not($unit)]"/>
    <xsl:variable name="packages">
      <xsl:call-template name="text">
        <xsl:with-param name="name" select="'Count'"/>
        <xsl:with-param name="from" select="$unit[last() = 1]/cbc:TotalPackageQuantity"/>
      </xsl:call-template>
      <xsl:call-template name="code">
        <xsl:with-param name="name" select="'Kind'"/>
        <xsl:with-param name="from" select="$package/cbc:PackagingTypeCode"/>
      </xsl:call-template>
    </xsl:variable>
    <xsl:if test="$unit/cbc:ShippingMarks[normalize-space()]">
      <Marks><xsl:apply-templates select="$unit/cbc:ShippingMarks[normalize-space()]" mode="joined"/></Marks>
    </xsl:if>
    <xsl:if test="exsl:node-set($packages)/*"><Packages><xsl:copy-of select="$packages"/></Packages></xsl:if>
  </xsl:template>

  <xsl:template match="cac:GoodsItem" mode="description">
    <xsl:variable name="own" select="cbc:Description[normalize-space()]"/>
    <xsl:variable name="words" select="$own | cac:Item[1][not($own)]/cbc:Description[normalize-space()]"/>
    <xsl:if test="$words"><Description><xsl:apply-templates select="$words" mode="joined"/></Description></xsl:if>
  </xsl:template>

  <xsl:template match="*" mode="measure">
    <xsl:variable name="name">
      <xsl:choose>
        <xsl:when test="self::cbc:GrossWeightMeasure">GrossWeight</xsl:when>
        <xsl:when test="self::cbc:NetWeightMeasure">NetWeight</xsl:when>
        <xsl:otherwise>Quantity</xsl:otherwise>
      </xsl:choose>
    </xsl:variable>
    <xsl:element name="{$name}">
      <xsl:if test="@unitCode"><xsl:attribute name="unit"><xsl:value-of select="normalize-space(@unitCode)"/></xsl:attribute></xsl:if>
      <xsl:value-of select="."/>
    </xsl:element>
  </xsl:template>

  <xsl:template match="cac:GoodsItem" mode="invoices">
    <xsl:variable name="place" select="concat(&quot;//cac:Shipment/cac:GoodsItem[cbc:SequenceNumberID='&quot;,
                                              cbc:SequenceNumberID, &quot;']&quot;)"/>
    <xsl:variable name="found" select="key('invoices', $place) | key('invoices', 'of every item')"/>
    <xsl:if test="$found">
      <Invoices>
        <xsl:for-each select="$found">
          <Invoice>
            <xsl:call-template name="text">
              <xsl:with-param name="name" select="'Number'"/>
              <xsl:with-param name="from" select="cbc:ID"/>
            </xsl:call-template>
            <xsl:call-template name="text">
              <xsl:with-param name="name" select="'Date'"/>
              <xsl:with-param name="from" select="cbc:IssueDate"/>
            </xsl:call-template>
          </Invoice>
        </xsl:for-each>
      </Invoices>
    </xsl:if>
  </xsl:template>
</xsl:stylesheet>
